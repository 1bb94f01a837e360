-- May an account make one more costly call?  If so, count it.
-- KEYS  sy:costly:{ACCOUNT}:hour: zset, call by when it began [ms];
--       sy:costly:{ACCOUNT}:now: zset, call by when its lease ends [ms]
-- ARGV  call, calls an hour (0: any number), calls at a time (likewise),
--       lease [ms]
-- Returns 'ok' | 'hour' | 'now'.  A call that was counted is not counted
-- again: its lease is renewed.
local HOUR = 3600000
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - HOUR)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then
	redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
	redis.call('PEXPIRE', KEYS[2], ARGV[4])
	return 'ok'
end
local hour, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local begun = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not begun and hour > 0 and redis.call('ZCARD', KEYS[1]) >= hour then
	return 'hour'
end
if most > 0 and redis.call('ZCARD', KEYS[2]) >= most then
	return 'now'
end
if not begun then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], HOUR)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 'ok'
