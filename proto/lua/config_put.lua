-- Replaces the whole configuration, if it is the revision that the caller
-- knows.
-- KEYS  sy:{config}, then its sections: :settings, :devices, :trunks,
--       :routes, :tokens, :groups
-- ARGV  revision that is replaced: a number (0: there is none yet) or '*';
--       or 'again:REVISION': Redis has lost it, and gets it back from who
--       remembers; settings; then for each of the five hashes: how many, and
--       so many pairs of id and record
-- Returns {1, new revision}, or {0, the revision that is there}.
-- One that was given back bears a mark until it is replaced: somebody may
-- remember a newer one.
local rev = redis.call('HGET', KEYS[1], 'revision') or '0'
local again = string.match(ARGV[1], '^again:(%d+)$')
if again then
	if rev ~= '0' and (redis.call('HEXISTS', KEYS[1], 'again') == 0 or
			tonumber(rev) >= tonumber(again)) then
		return {0, rev}
	end
elseif ARGV[1] ~= '*' and ARGV[1] ~= rev then
	return {0, rev}
end
redis.call('SET', KEYS[2], ARGV[2])
local at = 3
for k = 3, 7 do
	local last = at + 2 * tonumber(ARGV[at])
	redis.call('DEL', KEYS[k])
	-- In pieces: a call takes no more arguments than Lua's stack holds.
	for i = at + 1, last, 1000 do
		redis.call('HSET', KEYS[k],
			unpack(ARGV, i, math.min(i + 999, last)))
	end
	at = last + 1
end
-- Of this content alone: see config_item_put.lua.
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'stamp', rev .. '.' .. now[1] .. '.' .. now[2])
if again then
	redis.call('HSET', KEYS[1], 'revision', again, 'again', '1')
	return {1, again}
end
redis.call('HDEL', KEYS[1], 'again')
return {1, tostring(redis.call('HINCRBY', KEYS[1], 'revision', 1))}
