-- Replaces the whole configuration, if it is the revision that the caller
-- knows.
-- KEYS  sy:{config}, then its sections: :settings, :devices, :trunks,
--       :routes, :tokens
-- ARGV  revision that is replaced: a number (0: there is none yet) or '*';
--       settings; then for each of the four hashes: how many, and so many
--       pairs of id and record
-- Returns {1, new revision}, or {0, the revision that is there}.
local rev = redis.call('HGET', KEYS[1], 'revision') or '0'
if ARGV[1] ~= '*' and ARGV[1] ~= rev then
	return {0, rev}
end
redis.call('SET', KEYS[2], ARGV[2])
local at = 3
for k = 3, 6 do
	local last = at + 2 * tonumber(ARGV[at])
	redis.call('DEL', KEYS[k])
	-- In pieces: a call takes no more arguments than Lua's stack holds.
	for i = at + 1, last, 1000 do
		redis.call('HSET', KEYS[k],
			unpack(ARGV, i, math.min(i + 999, last)))
	end
	at = last + 1
end
return {1, tostring(redis.call('HINCRBY', KEYS[1], 'revision', 1))}
