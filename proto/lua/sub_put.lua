-- Notes a subscription, new or refreshed, and who serves it; clears away what
-- lapsed long ago.
-- KEYS  sy:{subs}, sy:{subs}:owner, sy:{subs}:seq, sy:{subs}:expiry
-- ARGV  id, record, instance of the router, expiry [ms], how many there may
--       be, how many of one watcher, watcher, '1' if it must be there already
-- Returns 'ok', 'gone' (not there), 'full'.
-- The watcher's are counted in the hash sy:{subs}:of, which is derived from
-- the first key's slot.
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local of = KEYS[1] .. ':of'
local function drop(id)
	local who = redis.call('HGET', of, 'id:' .. id)
	for i = 1, 3 do
		redis.call('HDEL', KEYS[i], id)
	end
	redis.call('ZREM', KEYS[4], id)
	redis.call('HDEL', of, 'id:' .. id)
	if who and redis.call('HINCRBY', of, who, -1) <= 0 then
		redis.call('HDEL', of, who)
	end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - 60000,
		'LIMIT', 0, 100)) do
	drop(id)
end
local known = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if not known then
	if ARGV[8] == '1' then
		return 'gone'
	end
	if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) or
			tonumber(redis.call('HGET', of, ARGV[7]) or '0') >=
			tonumber(ARGV[6]) then
		return 'full'
	end
	redis.call('HINCRBY', of, ARGV[7], 1)
	redis.call('HSET', of, 'id:' .. ARGV[1], ARGV[7])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1])
return 'ok'
