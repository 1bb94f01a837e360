-- Asks whether somebody may try a password, and counts the try.
-- KEYS  what is counted, one or more: "tries next_ms"
-- ARGV  for each: tries that are free; then a further one waits for [ms],
--       and each one after it twice as long as the one before; at most [ms];
--       then how long it is remembered [ms]
-- Returns {0}, or {ms until the next try}: then nothing was counted.
-- It is counted before the password is looked at, so that tries at the same
-- time are tries as well; who was right is forgotten (DEL).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local wait, counts = 0, {}
for i, key in ipairs(KEYS) do
	local n, til = string.match(redis.call('GET', key) or '0 0',
				    '^(%d+) (%d+)$')
	counts[i] = tonumber(n)
	wait = math.max(wait, tonumber(til) - now)
end
if wait > 0 then
	return {wait}
end
for i, key in ipairs(KEYS) do
	local free, first, max = tonumber(ARGV[3 * i - 2]),
		tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
	local n, til = counts[i] + 1, 0
	if n >= free then
		til = now + math.min(first * 2 ^ math.min(n - free, 30), max)
	end
	redis.call('SET', key, string.format('%d %.0f', n, til),
		   'PX', ARGV[#ARGV])
end
return {0}
