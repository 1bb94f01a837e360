-- How webhooks are.
-- KEYS  none by name: sy:{acct}:hooks:owner, for the slot
-- ARGV  ids of webhooks
-- Returns {deliveries that wait, last status, last error, ...} for each.
local out = {}
for _, id in ipairs(ARGV) do
	local key = 'sy:{acct}:hook:' .. id
	local v = redis.call('HMGET', key .. ':stat', 'status', 'error')
	out[#out + 1] = redis.call('ZCARD', key .. ':due')
	out[#out + 1] = v[1] or '0'
	out[#out + 1] = v[2] or ''
end
return out
