-- Forget a placement, or keep it alive, if it still names this hub.
-- KEYS  sy:call:{K} or sy:room:{NAME}
-- ARGV  hub, ttl [ms] (0: forget); with a ttl, perhaps node, instance, epoch:
--       what Redis has lost is written again, so that a hub that lives on
--       finds the callers to come, and a hub that has another owner by now
--       is found there
-- Returns 1; 0 when another hub, or none, stands there.
local hub = redis.call('HGET', KEYS[1], 'hub')
if not hub and ARGV[3] then
	redis.call('HSET', KEYS[1], 'hub', ARGV[1], 'node', ARGV[3],
		'instance', ARGV[4], 'epoch', ARGV[5], 'leg', '0')
elseif hub ~= ARGV[1] then
	return 0
elseif ARGV[3] then
	local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0)
	if tonumber(ARGV[5]) >= epoch then
		redis.call('HSET', KEYS[1], 'node', ARGV[3],
			'instance', ARGV[4], 'epoch', ARGV[5])
	end
end
if ARGV[2] == '0' then
	return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
