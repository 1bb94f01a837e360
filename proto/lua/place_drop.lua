-- Forget a placement, or keep it alive, if it still names this hub.
-- KEYS  sy:call:{K} or sy:room:{NAME}
-- ARGV  hub, ttl [ms] (0: forget); with a ttl, perhaps node, instance, epoch,
--       leg: what Redis has lost is written again, so that a hub that lives
--       on finds the callers to come; a room (leg 0) also says so where its
--       hub has another owner by now
-- Returns 1; 0 when another hub, or none, stands there.
local cur = redis.call('HMGET', KEYS[1], 'hub', 'epoch')
local hub = cur[1]
if ARGV[3] and (not hub or (hub == ARGV[1] and ARGV[6] == '0' and
		(tonumber(cur[2]) or 0) <= tonumber(ARGV[5]))) then
	redis.call('HSET', KEYS[1], 'hub', ARGV[1], 'node', ARGV[3],
		'instance', ARGV[4], 'epoch', ARGV[5], 'leg', ARGV[6])
elseif hub ~= ARGV[1] then
	return 0
end
if ARGV[2] == '0' then
	return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
