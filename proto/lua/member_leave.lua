-- A process ends in order: remove it, unless a later instance took its id.
-- KEYS  sy:{members}, sy:{members}:lease
-- ARGV  id, instance, channel, packed Envelope
-- Returns 1.
local cur = redis.call('HGET', KEYS[1], ARGV[1])
if cur and string.match(cur, '^(%d+):') == ARGV[2] then
	redis.call('HDEL', KEYS[1], ARGV[1])
	redis.call('ZREM', KEYS[2], ARGV[1])
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
