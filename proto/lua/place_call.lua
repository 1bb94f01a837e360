-- Where a call (or a room) is placed: what stands there, or what is proposed.
-- Of two routers that ask at once both get the same answer.
-- KEYS  sy:call:{K} or sy:room:{NAME}
-- ARGV  hub, node, instance, epoch, leg: proposed; ttl [ms];
--       not_node, not_instance, not_hub: a placement that names this hub, or
--       if that is '' this node, is replaced, epoch + 1
-- A room whose hub is refused names the next one that rings: ring_put.lua.
-- Returns hub, node, instance, epoch, leg, fresh (1: it is the proposal).
local cur = redis.call('HMGET', KEYS[1], 'hub', 'node', 'instance', 'epoch',
	'leg')
local epoch = tonumber(ARGV[4])
if cur[1] then
	local refused
	if ARGV[9] ~= '' then
		refused = cur[1] == ARGV[9]
	else
		refused = cur[2] == ARGV[7] and cur[3] == ARGV[8]
	end
	if not refused then
		cur[6] = '0'
		return cur
	end
	epoch = math.max(epoch, tonumber(cur[4]) + 1)
	-- somebody else may ring there: the one that rings longest
	local rings = KEYS[1] .. ':rings'
	redis.call('HDEL', rings, cur[1])
	local all, first, best = redis.call('HGETALL', rings), nil, nil
	for i = 1, #all, 2 do
		if not best or all[i + 1] < best then
			first, best = all[i], all[i + 1]
		end
	end
	if first then
		local node, instance, no =
			string.match(best, '^%d+ (%S+) (%d+) (%d+)')
		redis.call('HSET', KEYS[1], 'hub', first, 'node', node,
			'instance', instance, 'epoch', no, 'leg', '0')
		return {first, node, instance, no, '0', '0'}
	end
end
redis.call('HSET', KEYS[1], 'hub', ARGV[1], 'node', ARGV[2],
	'instance', ARGV[3], 'epoch', epoch, 'leg', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {ARGV[1], ARGV[2], ARGV[3], tostring(epoch), ARGV[5], '1'}
