/** Goes on with a value at once, or with a promise's value when it comes: no promise is made where a value will do. */
export function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
