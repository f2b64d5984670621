// What a configuration file takes from the package `cypress`.
export const defineConfig = (config) => config;
