import { DEFAULT_SETTINGS, type ChatSettings } from './db.ts'

const KEY = 'shard-chat-settings'

/** What a new chat starts with: the last choices of this browser, but never another chat's instructions or seed. */
export function loadSettings(): ChatSettings {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return parseSettings(stored)
  } catch {
    return { ...DEFAULT_SETTINGS }
  }
}

export function saveSettings({ temperature, maxTokens, policy, model }: ChatSettings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ temperature, maxTokens, policy, model }))
  } catch {
    // Storage may be forbidden or full; the next chat then starts with the defaults.
  }
}

export function parseSettings(value: unknown): ChatSettings {
  const settings = { ...DEFAULT_SETTINGS }
  if (typeof value !== 'object' || value == null) return settings
  if ('temperature' in value && isWithin(value.temperature, 0, 2)) settings.temperature = value.temperature
  if ('maxTokens' in value && isWithin(value.maxTokens, 0, 32_768)) settings.maxTokens = Math.floor(value.maxTokens)
  if ('policy' in value && (value.policy === 'own' || value.policy === 'anyone')) settings.policy = value.policy
  if ('model' in value && typeof value.model === 'string' && value.model !== '') settings.model = value.model
  return settings
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}
