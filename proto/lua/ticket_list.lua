-- A page of tickets, by ascending id; clears away what is over.
-- KEYS  a zset of ids
-- ARGV  id after which the page begins, tickets at most
-- Returns {more (0, 1), packed Ticket, ...}.
local ids = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(ids)
local limit, out = tonumber(ARGV[2]), {0}
for _, id in ipairs(ids) do
	if id > ARGV[1] then
		if #out > limit then
			out[1] = 1
			break
		end
		local v = redis.call('GET', 'sy:{acct}:t:' .. id)
		if v then
			out[#out + 1] = v
		else
			redis.call('ZREM', KEYS[1], id)
		end
	end
end
return out
