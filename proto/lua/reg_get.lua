-- The bindings of a device that have not expired.
-- KEYS  sy:reg:{DEVICE}, see reg_put.lua; sy:qual:{DEVICE}, see qual_put.lua
-- Returns pairs: a packed Binding, and what is known of its contact ('':
-- nothing).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local expires, rest =
		string.match(all[i + 1], '^(%d+)\n%d+\n[^\n]*\n(.*)$')
	if tonumber(expires) > now then
		out[#out + 1] = rest
		out[#out + 1] = redis.call('HGET', KEYS[2], all[i]) or ''
	end
end
return out
