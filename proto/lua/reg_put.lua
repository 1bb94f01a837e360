-- One REGISTER's changes to one device: all or none (RFC 3261 10.3).
-- KEYS  sy:reg:{DEVICE}: hash, field -> "expires_ms\ncseq\ncall-id\nBinding";
--       sy:unreg:{DEVICE}: hash, fields that were removed lately ('*': all),
--       so that nobody who remembers them brings them back (reg_again.lua);
--       sy:qual:{DEVICE}: what is known of the contacts, see qual_put.lua
-- ARGV  how long that is remembered [s], call-id, cseq, max contacts, drop
--       all (0, 1), n fields to drop, n x field, then per binding: field,
--       expires [ms], packed Binding
-- Returns 'stale' | 'full' | the packed Bindings that live afterwards, those of
-- them that were not there before, and those that were removed.
-- The same CSeq again is a retransmission (routers keep no transactions) and
-- is done again; a lower one is refused.  What has lapsed is as good as not
-- there; it stays for reg_lapse.lua, which tells of it, so the key outlives
-- the last binding by ten minutes.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local have, latest = {}, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local expires, cseq, callid, rest =
		string.match(all[i + 1], '^(%d+)\n(%d+)\n([^\n]*)\n(.*)$')
	if tonumber(expires) > now then
		have[all[i]] = {tonumber(expires), tonumber(cseq), callid, rest}
	end
end
local function fresh(field)
	local b = have[field]
	return not b or b[3] ~= ARGV[2] or b[2] <= tonumber(ARGV[3])
end
local ndrop = tonumber(ARGV[6])
local drop = {}
if ARGV[5] == '1' then
	for field in pairs(have) do drop[#drop + 1] = field end
end
for i = 7, 6 + ndrop do drop[#drop + 1] = ARGV[i] end
for _, field in ipairs(drop) do
	if not fresh(field) then return 'stale' end
end
-- what would be there afterwards, each contact once
local after = {}
for field in pairs(have) do after[field] = true end
for _, field in ipairs(drop) do after[field] = nil end
local added, total = false, 0
for i = 7 + ndrop, #ARGV, 3 do
	if not fresh(ARGV[i]) then return 'stale' end
	added = added or not have[ARGV[i]]
	after[ARGV[i]] = true
end
for _ in pairs(after) do total = total + 1 end
if added and total > tonumber(ARGV[4]) then
	return 'full'
end
local came, gone = {}, {}
for _, field in ipairs(drop) do
	if have[field] then gone[#gone + 1] = have[field][4] end
	redis.call('HDEL', KEYS[1], field)
	redis.call('HSET', KEYS[2], field, '1')
	redis.call('HDEL', KEYS[3], field)
	have[field] = nil
end
if ARGV[5] == '1' then redis.call('HSET', KEYS[2], '*', '1') end
if ARGV[5] == '1' or ndrop > 0 then
	redis.call('EXPIRE', KEYS[2], ARGV[1])
end
for i = 7 + ndrop, #ARGV, 3 do
	redis.call('HDEL', KEYS[2], ARGV[i])
	if not have[ARGV[i]] then
		redis.call('HDEL', KEYS[3], ARGV[i])
		came[#came + 1] = ARGV[i + 2]
	end
	redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. '\n' .. ARGV[3] ..
		'\n' .. ARGV[2] .. '\n' .. ARGV[i + 2])
	have[ARGV[i]] = {tonumber(ARGV[i + 1]), 0, '', ARGV[i + 2]}
end
local out = {}
for _, b in pairs(have) do
	out[#out + 1] = b[4]
	latest = math.max(latest, b[1])
end
if latest > 0 then redis.call('PEXPIREAT', KEYS[1], latest + 600000) end
return {out, came, gone}
