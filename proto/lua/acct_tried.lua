-- The password was right: what acct_try.lua counted for it is taken back.
-- KEYS  what is forgotten, then one whose last try alone is
-- Returns 1.
for i = 1, #KEYS - 1 do
	redis.call('DEL', KEYS[i])
end
local key = KEYS[#KEYS]
local n = string.match(redis.call('GET', key) or '', '^(%d+) ')
if n and tonumber(n) > 1 then
	redis.call('SET', key, string.format('%d 0', n - 1), 'KEEPTTL')
elseif n then
	redis.call('DEL', key)
end
return 1
