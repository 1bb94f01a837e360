-- Writes a new ticket: a login or a short-lived token.
-- KEYS  sy:{acct}:t:ID; the zset of its holder's, ids by expiry; the zset of
--       all of its kind
-- ARGV  id, when it ends at last [ms since 1970], how long it lives without
--       being seen [ms], how many the holder may have, how many all may have,
--       1: the holder's oldest gives way, the packed Ticket
-- Returns {'ok', ids that gave way ...} or {'full'}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for k = 2, 3 do
	redis.call('ZREMRANGEBYSCORE', KEYS[k], '-inf', now)
end
local over = redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[4])
local out = {'ok'}
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[5]) or
		(over > 0 and ARGV[6] ~= '1') then
	return {'full'}
end
if over > 0 then
	for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, over - 1)) do
		redis.call('ZREM', KEYS[2], id)
		redis.call('ZREM', KEYS[3], id)
		redis.call('DEL', 'sy:{acct}:t:' .. id)
		out[#out + 1] = id
	end
end
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[3])
for k = 2, 3 do
	redis.call('ZADD', KEYS[k], ARGV[2], ARGV[1])
	local last = redis.call('ZRANGE', KEYS[k], -1, -1, 'WITHSCORES')
	redis.call('PEXPIREAT', KEYS[k], last[2])
end
return out
