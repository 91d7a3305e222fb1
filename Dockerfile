# docs/operations.md says how to run this image: it needs a key, and a volume for its data.

FROM node:22-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev
# What only the compiler needs.
RUN rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src node_modules/better-sqlite3/build/Release/obj*

FROM node:22-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 BOARDCAST_DB=/data/boardcast.db
WORKDIR /opt/boardcast
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
RUN chmod +x dist/cli.js && ln -s /opt/boardcast/dist/cli.js /usr/local/bin/boardcast
RUN install -d -o node -g node -m 700 /data
USER node
VOLUME /data
EXPOSE 3000
# The server drains, and exits with 0.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD boardcast wait server --quiet --timeout 4s >/dev/null || exit 1
ENTRYPOINT ["boardcast"]
CMD ["serve"]
