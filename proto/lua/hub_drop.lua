-- The hub has ended: remove its record, unless somebody else owns it.  A
-- tombstone tells writes and claims that are still under way, and routers who
-- had it: "epoch instance".  What is left to do for it in other slots stands
-- here until it is done: its owner may die before.
-- KEYS  sy:hub:{H}, sy:gone:{H}, sy:end:{H}
-- ARGV  epoch, instance (0: whoever has this epoch), ttl of the tombstone [s],
--       packed HubEnd or '', its ttl [s]
-- Returns 1; without a HubEnd the one that stands there, if any; 0 when
-- somebody else owns it, or ended it at a higher epoch.
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
if ARGV[4] == '' then
	return redis.call('GET', KEYS[3]) or 1
end
redis.call('SET', KEYS[3], ARGV[4], 'EX', ARGV[5])
return 1
