-- Bindings of a device that have lapsed are removed, each by one who asks, so
-- that it is told of once.
-- KEYS  sy:reg:{DEVICE}, see reg_put.lua; sy:qual:{DEVICE}, see qual_put.lua
-- Returns when the first of those that live expires [ms], 0: there is none;
-- then the packed Bindings that were removed.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {0}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local expires, rest =
		string.match(all[i + 1], '^(%d+)\n%d+\n[^\n]*\n(.*)$')
	expires = tonumber(expires)
	if expires <= now then
		redis.call('HDEL', KEYS[1], all[i])
		redis.call('HDEL', KEYS[2], all[i])
		out[#out + 1] = rest
	elseif out[1] == 0 or expires < out[1] then
		out[1] = expires
	end
end
return out
