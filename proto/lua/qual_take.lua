-- A router takes contacts that are to be asked now: nobody else gets them
-- while it holds them.
-- KEYS  sy:{qual}:due, sy:{qual}:routers: see qual_due.lua
-- ARGV  how many at most, for how long [ms], the router, then all routers that
--       live
-- Returns pairs: '1' (from its own queue) or '0' (from any router's), contact.
-- The queue of a router that is gone becomes any router's.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local live, out, room = {}, {}, tonumber(ARGV[1])
for i = 3, #ARGV do live[ARGV[i]] = true end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
	if not live[id] then
		local queue = KEYS[1] .. ':' .. id
		redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], queue,
			'AGGREGATE', 'MIN')
		redis.call('DEL', queue)
		redis.call('SREM', KEYS[2], id)
	end
end
for own = 1, 0, -1 do
	local queue = own == 1 and KEYS[1] .. ':' .. ARGV[3] or KEYS[1]
	local due = redis.call('ZRANGEBYSCORE', queue, '-inf', now,
		'LIMIT', 0, room)
	for _, contact in ipairs(due) do
		redis.call('ZADD', queue, now + ARGV[2], contact)
		out[#out + 1] = tostring(own)
		out[#out + 1] = contact
	end
	room = room - #due
end
return out
