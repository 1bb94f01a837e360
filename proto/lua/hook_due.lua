-- Takes or keeps the lease of who delivers to webhooks, and reads what is due.
-- KEYS  sy:{acct}:hooks:owner; sy:{acct}:hooks:at, the id of the last event
--       that was looked at
-- ARGV  who asks, lease [ms], deliveries of a webhook at most, then ids of
--       webhooks
-- Returns {0} (another one has the lease), or {1, id of that event or '',
-- packed WebhookDelivery, ...}.
local own = redis.call('GET', KEYS[1])
if own and own ~= ARGV[1] then
	return {0}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {1, redis.call('GET', KEYS[2]) or ''}
for i = 4, #ARGV do
	local key = 'sy:{acct}:hook:' .. ARGV[i]
	local ids = redis.call('ZRANGEBYSCORE', key .. ':due', '-inf', now,
			       'LIMIT', 0, ARGV[3])
	for _, id in ipairs(ids) do
		local v = redis.call('HGET', key .. ':all', id)
		if v then
			out[#out + 1] = string.sub(v, 2)
		else
			redis.call('ZREM', key .. ':due', id)
		end
	end
end
return out
