/**
 * Tells whether a cookie is the session cookie or one of its companions: those that tie forms and sign-ins under way to a browser
 * have its name, a hyphen and more.
 */
export function isOwnCookie(name: string, sessionCookie: string): boolean {
  return name === sessionCookie || name.startsWith(`${sessionCookie}-`);
}
