/** The configuration that runs when there is no file; parsed like any other. */
export const DEMONSTRATION = `# Sallyport runs this when it finds no configuration file.
listen:
  https: 127.0.0.1:8443
  admin: 127.0.0.1:9443
state: file:data/state.db
certificates:
  - name: localhost
    dev: { names: [localhost, "*.localhost"] }
authenticate:
  basic: { realm: Demonstration }
routes:
  - { host: localhost, upstream: "internal:whoami", accept: [token, basic], allow: authenticated }
  - { host: localhost, path: /public, upstream: "internal:whoami", public: true }
`;
