// The app is a peer: it has nothing to say without the browser that runs it.
export const ssr = false
export const prerender = false
