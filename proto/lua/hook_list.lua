-- A page of a webhook's deliveries, the newest first.
-- KEYS  sy:{acct}:hook:ID:all
-- ARGV  id before which the page begins, or ''; deliveries at most
-- Returns {more (0, 1), state and packed WebhookDelivery, ...}.
local ids = redis.call('HKEYS', KEYS[1])
table.sort(ids, function(a, b) return a > b end)
local out = {0}
for _, id in ipairs(ids) do
	if ARGV[1] == '' or id < ARGV[1] then
		if #out > tonumber(ARGV[2]) then
			out[1] = 1
			break
		end
		out[#out + 1] = redis.call('HGET', KEYS[1], id)
	end
end
return out
