-- Ban somebody, or learn for how long he is banned already.
-- KEYS  sy:{bans}: hash, id -> "since_ms until_ms count\nBan";
--       sy:{bans}:until: zset, id by the time until which it is remembered
-- ARGV  id, first ban [ms], longest ban [ms], how long after its end a ban is
--       remembered [ms], bans at most, exact (1: by hand, for just the first
--       time, and in place of what is there), packed Ban
-- Returns {since_ms, until_ms, count, fresh (0, 1), packed Ban}.
-- Routers that find the same one at once make one ban of it; each further
-- one is twice as long.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now,
			       'LIMIT', 0, 100)) do
	redis.call('ZREM', KEYS[2], id)
	redis.call('HDEL', KEYS[1], id)
end
local count = 0
local have = redis.call('HGET', KEYS[1], ARGV[1])
if have then
	local since, until_, n, rest =
		string.match(have, '^(%d+) (%d+) (%d+)\n(.*)$')
	count = tonumber(n)
	if tonumber(until_) > now and ARGV[6] == '0' then
		return {since, until_, n, 0, rest}
	end
elseif redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then
	local old = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
	redis.call('ZREM', KEYS[2], old)
	redis.call('HDEL', KEYS[1], old)
end
local span = tonumber(ARGV[2])
if ARGV[6] == '0' then
	span = math.min(span * 2 ^ math.min(count, 30), tonumber(ARGV[3]))
end
local fmt = string.format
local since, til, n = fmt('%.0f', now), fmt('%.0f', now + span),
	fmt('%.0f', count + 1)
redis.call('HSET', KEYS[1], ARGV[1],
	   since .. ' ' .. til .. ' ' .. n .. '\n' .. ARGV[7])
redis.call('ZADD', KEYS[2], now + span + tonumber(ARGV[4]), ARGV[1])
return {since, til, n, 1, ARGV[7]}
