-- Writes new deliveries, and how far events were looked at, in one step: none
-- is lost when the one who delivers dies.
-- KEYS  sy:{acct}:hooks:owner, sy:{acct}:hooks:at
-- ARGV  who writes, or '' for one that nobody's lease is needed for; id of the
--       last event that was looked at, or ''; deliveries of a webhook that may
--       wait; then for each: webhook, id, packed WebhookDelivery
-- Returns 1, or 0: the lease is another's.
-- sy:{acct}:hook:ID:all   hash  id -> state (P, D, X, O), packed delivery
--                  :due   zset  ids by the next attempt [ms]
--                  :done  list  ids that are through, the newest first
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return 0
end
if ARGV[2] ~= '' then
	redis.call('SET', KEYS[2], ARGV[2])
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 4, #ARGV, 3 do
	local key = 'sy:{acct}:hook:' .. ARGV[i]
	if redis.call('ZCARD', key .. ':due') >= tonumber(ARGV[3]) then
		local old = redis.call('ZPOPMIN', key .. ':due')[1]
		local v = redis.call('HGET', key .. ':all', old)
		if v then
			redis.call('HSET', key .. ':all', old,
				   'O' .. string.sub(v, 2))
			redis.call('LPUSH', key .. ':done', old)
		end
	end
	redis.call('HSET', key .. ':all', ARGV[i + 1], 'P' .. ARGV[i + 2])
	redis.call('ZADD', key .. ':due', now, ARGV[i + 1])
end
return 1
