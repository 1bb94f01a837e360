-- Append a sample of a hub's quality; the list is bounded in length and time.
-- KEYS  sy:quality:{H}
-- ARGV  HubSample, entries to keep, ttl [s]
-- Returns 1.
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
