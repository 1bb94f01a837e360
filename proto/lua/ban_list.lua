-- A page of those who are banned now, by ascending id.
-- KEYS  sy:{bans}
-- ARGV  id after which the page begins, entries at most
-- Returns {more (0, 1), since_ms, until_ms, count, packed Ban, since_ms, ...}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all, ids = redis.call('HGETALL', KEYS[1]), {}
local found = {}
for i = 1, #all, 2 do
	local since, til, n, rest =
		string.match(all[i + 1], '^(%d+) (%d+) (%d+)\n(.*)$')
	if all[i] > ARGV[1] and tonumber(til) > now then
		ids[#ids + 1] = all[i]
		found[all[i]] = {since, til, n, rest}
	end
end
table.sort(ids)
local limit = tonumber(ARGV[2])
local out = {#ids > limit and 1 or 0}
for i = 1, math.min(#ids, limit) do
	for _, v in ipairs(found[ids[i]]) do out[#out + 1] = v end
end
return out
