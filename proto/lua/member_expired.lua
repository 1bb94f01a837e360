-- A process whose lease is over by Redis' clock, too: remove it.
-- KEYS  sy:{members}, sy:{members}:lease
-- ARGV  id, instance
-- Returns 1; 0 when it beats again, or was removed or replaced before.
local cur = redis.call('HGET', KEYS[1], ARGV[1])
if not cur or string.match(cur, '^(%d+):') ~= ARGV[2] then
	return 0
end
local t = redis.call('TIME')
local lease = redis.call('ZSCORE', KEYS[2], ARGV[1])
if lease and tonumber(lease) >= t[1] * 1000 + math.floor(t[2] / 1000) then
	return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
