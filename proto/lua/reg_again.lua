-- Bindings of a device that Redis may have lost, from who remembers them.
-- KEYS  sy:reg:{DEVICE}, see reg_put.lua; sy:unreg:{DEVICE}
-- ARGV  per binding: field, expires [ms], cseq, call-id, packed Binding
-- Returns when the first of all its bindings expires [ms]; 0 when nothing was
-- missing.
-- One that lapsed, that is there, or that was removed lately stays as it is.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HEXISTS', KEYS[2], '*') == 1
local put = false
local function is_there(field)
	local have = redis.call('HGET', KEYS[1], field)
	return have and tonumber(string.match(have, '^(%d+)')) > now
end
for i = 1, #ARGV, 5 do
	if tonumber(ARGV[i + 1]) > now and not all and
			not is_there(ARGV[i]) and
			redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then
		redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. '\n' ..
			ARGV[i + 2] .. '\n' .. ARGV[i + 3] .. '\n' ..
			ARGV[i + 4])
		put = true
	end
end
if not put then return 0 end
local first, last
for _, v in ipairs(redis.call('HVALS', KEYS[1])) do
	local expires = tonumber(string.match(v, '^(%d+)'))
	if not first or expires < first then first = expires end
	if not last or expires > last then last = expires end
end
redis.call('PEXPIREAT', KEYS[1], last + 600000)
return first
