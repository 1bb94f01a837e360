-- Every member whose lease has not run out; the others are removed.
-- KEYS  sy:{members}, sy:{members}:lease
-- Returns the packed Members.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
	redis.call('HDEL', KEYS[1], id)
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local out = {}
for _, v in ipairs(redis.call('HVALS', KEYS[1])) do
	local at = string.find(v, ':', 1, true)
	out[#out + 1] = string.sub(v, at + 1)
end
return out
