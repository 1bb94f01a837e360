-- The hub has ended: remove its record, unless a higher epoch owns it.
-- KEYS  sy:hub:{H}
-- ARGV  epoch
-- Returns 1; 0 when somebody else owns it.
local cur = redis.call('HGET', KEYS[1], 'epoch')
if cur and tonumber(cur) > tonumber(ARGV[1]) then
	return 0
end
redis.call('DEL', KEYS[1])
return 1
