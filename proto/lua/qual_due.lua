-- When contacts are asked whether they are there.
-- KEYS  the queue, sy:{qual}:due (any router's) or sy:{qual}:due:ROUTER: zset,
--       contact ("DEVICE\nfield of sy:reg:{DEVICE}") by when [ms];
--       sy:{qual}:routers: set, routers that have a queue
-- ARGV  ROUTER ('': any), how ('new': unless it is in the queue, 'next': only
--       if it is, 'drop': take it out), delay [ms], contact
-- Returns nothing of use.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ARGV[2] == 'drop' then
	return redis.call('ZREM', KEYS[1], ARGV[4])
end
if ARGV[2] == 'new' and ARGV[1] ~= '' then
	redis.call('SADD', KEYS[2], ARGV[1])
end
return redis.call('ZADD', KEYS[1], ARGV[2] == 'new' and 'NX' or 'XX',
	now + ARGV[3], ARGV[4])
