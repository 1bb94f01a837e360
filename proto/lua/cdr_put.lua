-- The record of a call goes to the history, once.
-- KEYS  sy:cdr (stream), {sy:cdr}:seen (zset hub id -> when [ms])
-- ARGV  hub id, entries at most, how long an id is remembered [ms], packed
--       CallRecord
-- Returns 1; 0 when it is there already: the reply was lost, the owner asked
-- again.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then
	return 0
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'r', ARGV[4])
redis.call('ZADD', KEYS[2], now, ARGV[1])
return 1
