-- A checkpoint of a hub, fenced by its epoch.
-- KEYS  sy:hub:{H}, sy:gone:{H}
-- ARGV  epoch, node, instance, ttl [s], first (1: it is whole, and may be
--       new; 0: a change), n, n x (field, value), field to delete ...
-- Returns 1; the instance of the owner that is replaced, as a text, if there
-- is one (Redis had lost that the hub was claimed); 0 when somebody else owns
-- the hub: a higher epoch, or the same of another process; -1 when the hub has ended: a write that was long under
-- way must not bring it back; -2 when a change found no record: Redis has lost
-- it, and half a record would help nobody.
if redis.call('EXISTS', KEYS[2]) == 1 then
	return -1
end
local cur = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
if cur[1] then
	local have, want = tonumber(cur[1]), tonumber(ARGV[1])
	if have > want or (have == want and cur[2] ~= ARGV[3]) then
		return 0
	end
elseif ARGV[5] == '0' then
	return -2
end
local last = 6 + 2 * tonumber(ARGV[6])
-- In pieces: a call takes no more arguments than Lua's stack holds.
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', ARGV[2],
	'owner', ARGV[3], unpack(ARGV, 7, math.min(1006, last)))
for i = 1007, last, 1000 do
	redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, last)))
end
for i = last + 1, #ARGV, 1000 do
	redis.call('HDEL', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
if cur[2] and cur[2] ~= ARGV[3] then
	return cur[2]
end
return 1
