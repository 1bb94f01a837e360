-- The hub has ended: remove its record, unless somebody else owns it.  A
-- tombstone tells writes and claims that are still under way, and routers who
-- had it: "epoch instance".
-- KEYS  sy:hub:{H}, sy:gone:{H}
-- ARGV  epoch, instance (0: whoever has this epoch), ttl of the tombstone [s]
-- Returns 1; 0 when somebody else owns it, or ended it at a higher epoch.
local cur = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
local have, want = tonumber(cur[1] or 0), tonumber(ARGV[1])
local ended = string.match(redis.call('GET', KEYS[2]) or '0', '^%d+')
if have > want or tonumber(ended) > want or
		(have == want and ARGV[2] ~= '0' and cur[2] ~= ARGV[2]) then
	return 0
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. (cur[2] or ARGV[2]), 'EX',
	ARGV[3])
return 1
