import { createContext } from 'svelte'
import type { Chat } from './chat.svelte.ts'

/** The app's one {@link Chat}, set by the root layout. */
export const [getChat, setChat] = createContext<Chat>()
