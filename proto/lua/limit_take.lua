-- Room for a call among those of a name (a trunk, a device), or its lease
-- again.
-- KEYS  sy:limit:{NAME} (zset holder -> end of its lease [ms]),
--       sy:limit:{NAME}:rate (string: when the calls so far are paid off [us])
-- ARGV  lease [ms], calls at a time (0: any number; '': no question, the
--       holders have their room and keep it), calls a second (0: any number),
--       holder ...
-- Returns 1; 0: as many as may be are there; -1: too many within a second.
-- Who holds room already has it again, and costs no rate: the answer may have
-- been lost. So a store that was emptied learns of its holders as they renew.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ms = math.floor(now / 1000)
local function hold()
	for i = 4, #ARGV do
		redis.call('ZADD', KEYS[1], ms + ARGV[1], ARGV[i])
	end
	redis.call('PEXPIRE', KEYS[1], ARGV[1])
	return 1
end
if ARGV[2] == '' then
	return hold()
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
if redis.call('ZSCORE', KEYS[1], ARGV[4]) then
	return hold()
end
local max, rate = tonumber(ARGV[2]), tonumber(ARGV[3])
if max > 0 and redis.call('ZCARD', KEYS[1]) >= max then
	return 0
end
if rate > 0 then
	-- A second's worth at once, then one each 1/rate s.
	local paid = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
	if paid - now > 1000000 - math.floor(1000000 / rate) then
		return -1
	end
	redis.call('SET', KEYS[2], string.format('%.0f',
		paid + math.floor(1000000 / rate)), 'PX', 2000)
end
if max > 0 then
	return hold()
end
return 1
