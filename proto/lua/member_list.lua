-- Every member; those whose lease has run out are removed.
-- KEYS  sy:{members}, sy:{members}:lease
-- Returns a packed Member and what is left of its lease [ms], of each; -1: it
-- was removed just now.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
	local gone = redis.call('HGET', KEYS[1], id)
	if gone then
		out[#out + 1] = string.sub(gone, string.find(gone, ':', 1, true) + 1)
		out[#out + 1] = -1
		redis.call('HDEL', KEYS[1], id)
	end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local at = string.find(all[i + 1], ':', 1, true)
	out[#out + 1] = string.sub(all[i + 1], at + 1)
	out[#out + 1] = (redis.call('ZSCORE', KEYS[2], all[i]) or now) - now
end
return out
