-- Take a hub over, if its owner is still the one that the claimer means: of
-- two that claim from the same process, one gets it.
-- KEYS  sy:hub:{H}, sy:gone:{H}, sy:end:{H}
-- ARGV  instance that owns it, node and instance that claim, ttl [s], ttl of
--       a tombstone [s], or 0
-- Returns {1, all fields ...} after the epoch was raised; {0, the instance
-- that owns it}; {-1, what is left to do for it, or nothing}: it has ended, or
-- is not known.  Of a dead process the first write may still be under way then;
-- with a tombstone it comes too late.
local cur = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
if not cur[1] then
	if ARGV[5] ~= '0' then
		redis.call('SET', KEYS[2], '0', 'EX', ARGV[5], 'NX')
	end
	return {-1, redis.call('GET', KEYS[3])}
end
if cur[2] ~= ARGV[1] then
	return {0, cur[2]}
end
redis.call('HSET', KEYS[1], 'epoch', tonumber(cur[1]) + 1, 'node', ARGV[2],
	'owner', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, redis.call('HGETALL', KEYS[1])}
