-- Writes what came of a delivery, or that it is to be tried again.
-- KEYS  sy:{acct}:hook:ID:all, :due, :done (hook_put.lua), :stat
-- ARGV  id, state (P: again, D, X), when it is tried again [ms since 1970],
--       how many that are through are kept, status, error, packed
--       WebhookDelivery
-- Returns 1, or 0: there is no such delivery any more.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
	return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[7])
redis.call('HSET', KEYS[4], 'status', ARGV[5], 'error', ARGV[6])
redis.call('LREM', KEYS[3], 1, ARGV[1])
if ARGV[2] == 'P' then
	redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
	return 1
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('LPUSH', KEYS[3], ARGV[1])
local keep = tonumber(ARGV[4])
for _, id in ipairs(redis.call('LRANGE', KEYS[3], keep, -1)) do
	redis.call('HDEL', KEYS[1], id)
end
redis.call('LTRIM', KEYS[3], 0, keep - 1)
return 1
