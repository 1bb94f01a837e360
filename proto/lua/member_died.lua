-- Another process is dead: nobody listens to its commands.  Remove it, and
-- tell everybody.
-- KEYS  sy:{members}, sy:{members}:lease
-- ARGV  id, instance, its command channel, channel of the news, packed
--       Envelope
-- Returns 1; 0 when it listens after all, or was removed or replaced before.
local cur = redis.call('HGET', KEYS[1], ARGV[1])
if not cur or string.match(cur, '^(%d+):') ~= ARGV[2] or
		redis.call('PUBSUB', 'NUMSUB', ARGV[3])[2] > 0 then
	return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
