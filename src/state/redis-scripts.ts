import { createHash } from 'node:crypto';

/** A step that Redis does atomically. */
export interface RedisScript {
  readonly lua: string;
  /** By which Redis knows the text, lower-case hex. */
  readonly sha1: string;
}

// A number of Redis' clock in microseconds, or one more than `last` where the clock went back: it grows even over a deletion.
const GROWN = `
local function grown(last)
  local time = redis.call('TIME')
  return math.max(tonumber(last or '0') + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
end
`;

/**
 * A record is a hash: `v` value, `n` version, and one field `i:NAME` for each index that holds it. When Redis expires the hash, its
 * members in the indexes stay behind; whoever meets one sees that the record does not name the index and removes it.
 *
 * KEYS record, index...; ARGV value, ttl or '', condition ('', 'absent', 'version'), version, prefix of index keys, prefix of
 * record keys, member, index name...; gives the version, 0 when the condition was not met.
 */
const PUT = `${GROWN}
local fields = redis.call('HKEYS', KEYS[1])
local last = redis.call('HGET', KEYS[1], 'n')
if ARGV[3] == 'absent' and last then return 0 end
if ARGV[3] == 'version' and last ~= ARGV[4] then return 0 end
local version = grown(last)
-- First of all, because Redis refuses a script for want of memory only before its first write.
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'n', string.format('%.0f', version))
for _, field in ipairs(fields) do
  if string.sub(field, 1, 2) == 'i:' then
    redis.call('ZREM', ARGV[5] .. string.sub(field, 3), ARGV[7])
    redis.call('HDEL', KEYS[1], field)
  end
end
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) else redis.call('PERSIST', KEYS[1]) end
for i = 2, #KEYS do
  local index, name = KEYS[i], ARGV[i + 6]
  redis.call('HSET', KEYS[1], 'i:' .. name, '')
  local left = redis.call('PTTL', index)
  redis.call('ZADD', index, 0, ARGV[7])
  -- An index lives as long as the longest of its records.
  if ARGV[2] == '' then
    redis.call('PERSIST', index)
  elseif left == -2 or (left >= 0 and left < tonumber(ARGV[2])) then
    redis.call('PEXPIRE', index, ARGV[2])
  end
  -- Two members looked at for each one added: those left behind stay few though nobody lists.
  for _, member in ipairs(redis.call('ZRANDMEMBER', index, 2)) do
    if redis.call('HEXISTS', ARGV[6] .. member, 'i:' .. name) == 0 then redis.call('ZREM', index, member) end
  end
end
return version
`;

/** KEYS record; gives value, version and remaining milliseconds (-1: for ever), or nil. */
const GET = `
local found = redis.call('HMGET', KEYS[1], 'v', 'n')
if not found[1] then return nil end
return {found[1], found[2], redis.call('PTTL', KEYS[1])}
`;

/** KEYS record; ARGV version or '', prefix of index keys, member; gives 1 when it was removed. */
const DELETE = `
local last = redis.call('HGET', KEYS[1], 'n')
if not last or (ARGV[1] ~= '' and ARGV[1] ~= last) then return 0 end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'i:' then redis.call('ZREM', ARGV[2] .. string.sub(field, 3), ARGV[3]) end
end
redis.call('DEL', KEYS[1])
return 1
`;

/**
 * Gives {key, value, version, remaining}... and, when it was not done after so many members that were left behind, the last one
 * it looked at: a list whose records have all expired must not hold Redis until it is cleared.
 *
 * KEYS index; ARGV index name, prefix of record keys, start of the range, how many, most members to look at.
 */
const LIST = `
local found, start, wanted, looked = {}, ARGV[3], tonumber(ARGV[4]), 0
while true do
  local members = redis.call('ZRANGEBYLEX', KEYS[1], start, '+', 'LIMIT', 0, wanted)
  for _, member in ipairs(members) do
    local record = ARGV[2] .. member
    local fields = redis.call('HMGET', record, 'v', 'n', 'i:' .. ARGV[1])
    if not fields[3] then
      redis.call('ZREM', KEYS[1], member)
    elseif #found < wanted then
      found[#found + 1] = {member, fields[1], fields[2], redis.call('PTTL', record)}
    end
  end
  if #members < wanted or #found == wanted then return {found} end
  looked = looked + #members
  if looked >= tonumber(ARGV[5]) then return {found, members[#members]} end
  start = '(' .. members[#members]
end
`;

/** KEYS counter; ARGV step, window; gives the count and the remaining milliseconds. */
const INCREMENT = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {count, left}
`;

/** KEYS counter; gives the count or nil, and the remaining milliseconds. */
const READ = `return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}`;

/** KEYS lease, fence; ARGV holder, ttl, how long the fence is remembered; gives the fence, 0 while another holds it. */
const ACQUIRE = `${GROWN}
local holder = redis.call('HGET', KEYS[1], 'h')
if holder and holder ~= ARGV[1] then return 0 end
local fence = grown(redis.call('GET', KEYS[2]))
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[2], text, 'PX', ARGV[3])
redis.call('HSET', KEYS[1], 'h', ARGV[1], 'f', text)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return fence
`;

/** KEYS lease; ARGV fence, ttl or '' to release; gives 1 when the lease was still held. */
const KEEP = `
if redis.call('HGET', KEYS[1], 'f') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/** Every script, by what it does. */
export const SCRIPTS = {
  put: script(PUT),
  get: script(GET),
  delete: script(DELETE),
  list: script(LIST),
  increment: script(INCREMENT),
  read: script(READ),
  acquire: script(ACQUIRE),
  keep: script(KEEP),
} as const;

function script(lua: string): RedisScript {
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
}
