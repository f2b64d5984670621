// Bare Express: what the same three routes cost when written by hand, with no mock server in between.
// Usage: node express.js PORT DB.JSON
const express = require("express");
const fs = require("fs");

const [port, file] = process.argv.slice(2);
const { users } = JSON.parse(fs.readFileSync(file, "utf8"));
const byId = new Map(users.map((user) => [user.id, user]));

const app = express();
app.disable("etag"); // hashing each body is work the comparison does not ask for
app.disable("x-powered-by");
app.use(express.json());

app.get("/api/users/:id", (request, response) => {
  const user = byId.get(request.params.id);
  if (!user) return response.status(404).json({ message: "Not found" });
  response.json(user);
});

app.get("/api/users", (request, response) => {
  const page = Number(request.query.page || 1);
  const limit = Number(request.query.limit || 10);
  const end = page * limit;
  const hasMore = end < users.length;
  response.json({
    users: users.slice(end - limit, end),
    total: users.length,
    page,
    limit,
    hasMore,
    nextPage: hasMore ? page + 1 : undefined,
  });
});

app.post("/api/users", (request, response) => {
  const { name, email, role } = request.body;
  const user = { id: String(users.length + 1), name, email, role };
  users.push(user);
  byId.set(user.id, user);
  response.status(201).json(user);
});

app.listen(Number(port), "127.0.0.1");
