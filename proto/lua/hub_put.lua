-- A checkpoint of a hub, fenced by its epoch.
-- KEYS  sy:hub:{H}
-- ARGV  epoch, node, instance, ttl [s], n, n x (field, value), field to
--       delete ...
-- Returns 1; 0 when somebody else owns the hub: a higher epoch, or the same
-- of another process.
local cur = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
if cur[1] then
	local have, want = tonumber(cur[1]), tonumber(ARGV[1])
	if have > want or (have == want and cur[2] ~= ARGV[3]) then
		return 0
	end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', ARGV[2],
	'owner', ARGV[3])
local n = tonumber(ARGV[5])
for i = 6, 5 + 2 * n, 2 do
	redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
for i = 6 + 2 * n, #ARGV do
	redis.call('HDEL', KEYS[1], ARGV[i])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
