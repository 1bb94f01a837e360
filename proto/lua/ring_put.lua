-- A hub rings somebody whose calls may be picked up, or does so no more.  The
-- room names the one that rings longest: who picks up is placed there.
-- KEYS  sy:room:{NAME}
-- ARGV  hub, ttl [ms] (0: it rings no more), node, instance, epoch
-- Returns the hub that the room names; '': none rings.
-- The others wait in the hash sy:room:{NAME}:rings: hub -> "since node instance
-- epoch" (of the first key's slot).
local rings = KEYS[1] .. ':rings'
local was = redis.call('HGET', rings, ARGV[1])
if ARGV[2] ~= '0' then
	local now = redis.call('TIME')
	local since = was and string.match(was, '^%d+') or
		string.format('%d%06d', now[1], now[2])
	redis.call('HSET', rings, ARGV[1], since .. ' ' .. ARGV[3] .. ' ' ..
		ARGV[4] .. ' ' .. ARGV[5])
	redis.call('PEXPIRE', rings, ARGV[2])
else
	redis.call('HDEL', rings, ARGV[1])
end
local all = redis.call('HGETALL', rings)
local first, best
for i = 1, #all, 2 do
	if not best or all[i + 1] < best then
		first, best = all[i], all[i + 1]
	end
end
if first then
	local node, instance, epoch = string.match(best, '^%d+ (%S+) (%d+) (%d+)')
	redis.call('HSET', KEYS[1], 'hub', first, 'node', node,
		'instance', instance, 'epoch', epoch, 'leg', '0')
	redis.call('PEXPIRE', KEYS[1], redis.call('PTTL', rings))
elseif redis.call('HGET', KEYS[1], 'hub') == ARGV[1] then
	redis.call('DEL', KEYS[1])
end
return first or ''
