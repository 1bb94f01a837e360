-- Forget a placement, or keep it alive, if it still names this hub.
-- KEYS  sy:call:{K} or sy:room:{NAME}
-- ARGV  hub, ttl [ms] (0: forget)
if redis.call('HGET', KEYS[1], 'hub') ~= ARGV[1] then
	return 0
end
if ARGV[2] == '0' then
	return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
