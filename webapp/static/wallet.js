// The owner's wallet: found by EIP-6963 (or EIP-1193's window.ethereum), asked for one signature at a time. The key
// stays in it; what will be signed is decoded here and shown before the wallet is asked.
"use strict";
(function () {
  const body = document.body, dialog = document.getElementById("sign"), button = document.getElementById("wallet");
  const CHAIN = Number(body.dataset.chain), MARKET = body.dataset.market, NATIVE = { token: "", decimals: 18, symbol: "ETH" };
  const found = new Map(); // uuid -> {name, provider}
  let wallet = null, account = "", errors = null;

  // ----- finding wallets -----
  addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = event.detail || {};
    if (info && provider && typeof provider.request === "function") found.set(String(info.uuid), { name: String(info.name).slice(0, 40), provider });
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  function wallets() {
    const all = [...found.values()];
    if (window.ethereum && !all.some((one) => one.provider === window.ethereum)) all.push({ name: "Browser wallet", provider: window.ethereum });
    return all;
  }

  // ----- a dialog out of text, never out of markup -----
  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) key === "onclick" ? made.addEventListener("click", value) : made.setAttribute(key, value);
    made.append(...children.filter((one) => one !== null && one !== undefined));
    return made;
  }
  function show(title, content, ...buttons) {
    const foot = el("div", { class: "sign-foot" }, el("button", { type: "button", class: "button", onclick: close }, "Cancel"), ...buttons);
    dialog.replaceChildren(el("div", { class: "sign-head" }, el("h2", { id: "sign-title" }, title)), el("div", { class: "sign-body" }, ...content), foot);
    if (!dialog.open) dialog.showModal();
    (buttons[buttons.length - 1] || foot.firstChild).focus();
  }
  function close() { if (dialog.open) dialog.close(); cancelled(); }
  let cancelled = () => {};
  dialog.addEventListener("cancel", () => cancelled());
  class Cancelled extends Error {}
  class Shown extends Error {} // the dialog says already what is wrong
  function asked(title, content, label, kind = "primary") {
    return new Promise((resolve, reject) => {
      cancelled = () => reject(new Cancelled());
      show(title, content, el("button", { type: "button", class: `button ${kind}`, id: "sign-go", onclick: (event) => { cancelled = () => {}; event.target.disabled = true; event.target.removeAttribute("id"); resolve(); } }, label));
    });
  }
  function waiting(title, text) { cancelled = () => {}; show(title, [el("p", {}, text)]); }

  // ----- connecting -----
  const ask = (method, params = []) => wallet.provider.request({ method, params });
  async function connect() {
    const all = wallets();
    if (!all.length) throw new Error("No wallet was found in this browser. Install one, or use the command line: `fairtrain project` does the same.");
    if (all.length > 1 && !wallet) {
      await new Promise((resolve, reject) => {
        cancelled = () => reject(new Cancelled());
        const choices = all.map((one) => el("button", { type: "button", class: "button", onclick: () => { wallet = one; cancelled = () => {}; resolve(); } }, one.name));
        show("Choose a wallet", [el("div", { class: "choices" }, ...choices)]);
      });
    }
    wallet = wallet || all[0];
    const accounts = await ask("eth_requestAccounts");
    if (!accounts.length) throw new Error("The wallet shows no account.");
    account = calls.checksum(accounts[0]);
    button.textContent = `${account.slice(0, 6)}…${account.slice(-4)}`;
    button.title = account;
    wallet.provider.on?.("accountsChanged", (list) => { account = list[0] ? calls.checksum(list[0]) : ""; button.textContent = account ? `${account.slice(0, 6)}…${account.slice(-4)}` : "Connect wallet"; });
  }
  async function rightChain() {
    while (Number(await ask("eth_chainId")) !== CHAIN) {
      const here = Number(await ask("eth_chainId"));
      await asked("Another network", [el("p", {}, `Your wallet is on chain ${here}; this market is on ${body.dataset.network} (chain ${CHAIN}).`)], `Switch to ${body.dataset.network}`);
      const chainId = "0x" + CHAIN.toString(16);
      try { await ask("wallet_switchEthereumChain", [{ chainId }]); } catch (error) {
        if (error.code !== 4902 || !body.dataset.rpc) throw error;
        await ask("wallet_addEthereumChain", [{ chainId, chainName: body.dataset.network, rpcUrls: [body.dataset.rpc], nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 } }]);
      }
    }
  }

  // ----- asking the server what to sign -----
  async function post(path, data) {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data), redirect: "error" });
    const found = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(found.error), { code: found.code, status: answer.status });
    return found;
  }

  // ----- what every transaction must satisfy, whatever the server says -----
  function checked(plan, expected, name) {
    if (plan.chain_id !== CHAIN || calls.checksum(plan.market) !== MARKET) throw new Error("The server answered for another market.");
    return plan.steps.map((call) => {
      const decoded = calls.decode(call), value = BigInt(call.value);
      const isApproval = decoded.name === "approve";
      if (decoded.name !== name && !(isApproval && name === "fund")) throw new Error(`The server answered with ${decoded.name}, you asked for ${name}.`);
      if (!isApproval && calls.checksum(call.to) !== MARKET) throw new Error("The call goes elsewhere than to the market.");
      if (isApproval && decoded.get("spender") !== MARKET) throw new Error("The approval is for somebody else.");
      for (const [name, wanted] of Object.entries(expected)) {
        const got = decoded.args.find((one) => one.name === name);
        if (got && String(got.value) !== String(wanted)) throw new Error(`${name} is ${got.value}, you asked for ${wanted}.`);
      }
      if (value && !(decoded.name === "fund" && value === decoded.get("amount"))) throw new Error("The call sends coins that it should not send.");
      return { call, decoded, value };
    });
  }

  async function facts(step, plan) {
    const list = [["ok", `Network: ${body.dataset.network} (chain ${CHAIN})`], ["ok", step.decoded.name === "approve" ? `Token: ${calls.checksum(step.call.to)}` : `Market: ${MARKET}`]];
    const code = await ask("eth_getCode", [MARKET, "latest"]);
    list.push(calls.keccak(code) === plan.code_hash ? ["ok", "The code there is the market's"] : ["no", "The code at this address is NOT the market's"]);
    if (step.decoded.name === "create" && plan.document && crypto.subtle) {
      const same = (await calls.sha256(plan.document)) === step.decoded.get("descriptionDigest");
      list.push(same ? ["ok", "The description below is the one that is frozen (sha2-256 checked here)"] : ["no", "The description is NOT the one that is frozen"]);
    }
    if (["claim", "leave", "evict"].includes(step.decoded.name)) list.push(["ok", `Credited to: ${await payoutOf(step.decoded.get("project"), step.decoded.get("seat"))}, set when the seat was taken`]);
    if (step.decoded.name === "withdraw") list.push(["ok", await creditText(step.decoded.get("token"))]);
    return list;
  }
  const word = (number) => BigInt(number).toString(16).padStart(64, "0");
  async function payoutOf(project, seat) { return calls.checksum((await view(MARKET, "seatOf(uint256,uint256)", word(project) + word(seat))).slice(90, 130)); }
  async function creditText(token) {
    const [units, coin] = await Promise.all([view(MARKET, "creditOf(address,address)", word(token) + word(account)), unitOf(token)]);
    return `Your whole credit: ${calls.amount(BigInt(units), coin.decimals)} ${coin.symbol}`;
  }

  function shown(arg, coin) {
    if (arg.name === "token" && /^0x0{40}$/.test(arg.value)) return "the chain's own coin, ETH";
    if (typeof arg.value !== "bigint") return arg.value;
    if (calls.AMOUNTS.includes(arg.name) && coin.token && !coin.decimals) return `${arg.value} smallest units of ${coin.token}`;
    if (calls.AMOUNTS.includes(arg.name)) return `${calls.amount(arg.value, coin.decimals)} ${coin.symbol} = ${arg.value} smallest units`;
    if (arg.name === "endDate") return `${arg.value} = ${new Date(Number(arg.value) * 1000).toUTCString()}`;
    if (arg.name.startsWith("windows.")) return `${arg.value} s`;
    return arg.value.toString();
  }

  async function gasOf(order) {
    try {
      const [gas, price] = await Promise.all([ask("eth_estimateGas", [order]), ask("eth_gasPrice")]);
      return `about ${Number(gas).toLocaleString("en")} gas, ${calls.amount(BigInt(gas) * BigInt(price), 18)} ETH now`;
    } catch (error) { throw new Error(`The node refuses this transaction: ${await reason(error)}`); }
  }

  async function confirm(step, plan, coin, number, count) {
    const order = { from: account, to: step.call.to, data: step.call.data, value: "0x" + step.value.toString(16) };
    const checks = await facts(step, plan), bad = checks.some(([kind]) => kind === "no");
    const cost = await gasOf(order);
    const rows = step.decoded.args.map((arg) => el("tr", {}, el("th", { scope: "row" }, arg.name), el("td", {}, shown(arg, coin))));
    const content = [
      el("p", { class: "sign-value" }, step.value ? `Sends ${calls.amount(step.value, 18)} ETH` : "Sends no coins"),
      el("p", { class: "quiet" }, `From ${account}`),
      el("ul", { class: "checks" }, ...checks.map(([kind, text]) => el("li", { class: kind }, kind === "ok" ? "✓" : "✗", el("span", {}, text)))),
      el("p", {}, `${step.decoded.name}: ${cost}`),
      el("table", { class: "words plain" }, el("caption", { class: "sr" }, "Decoded from the bytes to be signed"), el("tbody", {}, ...rows)),
      plan.document && step.decoded.name === "create" ? el("details", {}, el("summary", {}, "Description"), el("pre", {}, plan.document)) : null,
    ];
    if (bad) { show("Do not sign this", content); throw new Shown(); }
    await asked(`${step.call.title}${count > 1 ? ` (${number} of ${count})` : ""}`, content, "Sign in wallet");
    waiting("Waiting for your wallet", "Compare what it shows with what you saw here.");
    return ask("eth_sendTransaction", [order]);
  }

  async function receipt(hash) {
    for (let turn = 0; ; turn++) {
      const got = await ask("eth_getTransactionReceipt", [hash]);
      if (got) { if (Number(got.status) !== 1) throw new Error(`The transaction ${hash} was mined and refused.`); return got; }
      if (turn === 2) waiting("Sent", `Waiting for the chain: ${hash}`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(250 + 250 * turn, 3000)));
    }
  }

  // A contract's refusal by name; wallets bury it at different depths.
  async function reason(error) {
    for (let at = error, depth = 0; at && depth < 5; at = at.data?.originalError || at.error || at.cause || at.data, depth++) {
      const data = typeof at === "string" ? at : typeof at.data === "string" ? at.data : at.data?.data;
      const selector = typeof data === "string" && /0x[0-9a-f]{8}/i.exec(data)?.[0].toLowerCase();
      if (!selector) continue;
      errors = errors || (await fetch("/api/errors").then((answer) => answer.json()));
      if (errors[selector]) return errors[selector];
    }
    return String(error?.message || error).slice(0, 300);
  }

  const view = (to, signature, words = "") => ask("eth_call", [{ to, data: calls.hash(signature).slice(0, 10) + words }, "latest"]);
  async function allowance(token) {
    const pad = (address) => address.slice(2).toLowerCase().padStart(64, "0");
    return BigInt(await view(token, "allowance(address,address)", pad(account) + pad(MARKET)));
  }

  // The unit of a token, as the token itself says, in the wallet's own view of the chain.
  async function unitOf(token) {
    if (/^0x0{40}$/.test(token)) return NATIVE;
    const told = (signature) => view(token, signature).catch(() => "0x");
    return calls.tokenUnit(token, await told("symbol()"), await told("decimals()"));
  }
  // Amounts were typed with the page's number of decimals: a page that has another one means other money.
  async function sameUnit(token, decimals) {
    const coin = await unitOf(token);
    if (Number(decimals) !== coin.decimals && Number(decimals) !== 0) throw new Error(`The token says ${coin.decimals} decimals, this page has ${decimals}.`);
    return coin;
  }

  // Tokens exist that refuse to change an allowance that is not zero.
  async function approvals(steps) {
    if (steps[0].decoded.name !== "approve") return steps;
    const allowed = await allowance(steps[0].call.to), wanted = steps[0].decoded.get("amount");
    if (allowed === wanted) return steps.slice(1);
    if (!allowed) return steps;
    const call = { ...steps[0].call, title: "Take back an older allowance", data: steps[0].call.data.slice(0, -64) + "0".repeat(64) };
    return [{ call, decoded: calls.decode(call), value: 0n }, ...steps];
  }

  async function run(name, plan, expected, coin) {
    let last = null;
    const steps = await approvals(checked(plan, expected, name));
    for (const [index, step] of steps.entries()) last = await receipt(await confirm(step, plan, coin, index + 1, steps.length));
    return last;
  }

  function goal() {
    const text = document.getElementById("f-goal")?.value.replace("%", "").trim();
    return /^[0-9]{1,3}([.][0-9]{1,4})?$/.test(text || "") ? `?goal=${text}` : "";
  }
  async function create() {
    const text = document.getElementById("configuration-text").value, configuration = JSON.parse(text), terms = configuration.terms;
    const coin = await sameUnit(terms.token, document.getElementById("coin").dataset.decimals);
    waiting("Preparing", "Description and first model go into the store.");
    const plan = await post("/api/calls/create", { configuration: text });
    const expected = { token: terms.token, pot: terms.pot, minStake: terms.min_stake, bondFloor: terms.bond_floor, feeBps: terms.fee_bps, seats: terms.seats, minSeals: terms.min_seals, expectedSeats: terms.expected_seats, openRounds: terms.open_rounds, referenceKey: terms.reference_key || "0x" + "0".repeat(40), "windows.commit": terms.windows.commit, "windows.challenge": terms.windows.challenge };
    const mined = await run("create", plan, expected, coin);
    const log = mined.logs.find((one) => calls.checksum(one.address) === MARKET && one.topics.length === 3);
    const number = Number(BigInt(log.topics[1]));
    const budget = configuration.budget;
    await asked(`Project ${number} exists`, [el("p", {}, "No money is in it yet. Trainers can join already; rounds begin once the escrow covers a pot."), el("p", {}, `Your budget: ${calls.amount(BigInt(budget), coin.decimals)} ${coin.symbol}`)], "Fund it now").catch((error) => {
      if (error instanceof Cancelled) location.assign(`/projects/${number}${goal()}`);
      throw error;
    });
    await run("fund", await indexed(() => post("/api/calls/fund", { project: number, amount: budget })), { project: number, amount: budget }, coin);
    location.assign(`/projects/${number}${goal()}`);
  }
  // The index follows the chain by a block or two.
  async function indexed(again) {
    for (let turn = 0; ; turn++) {
      try { return await again(); } catch (error) { if (error.status !== 404 || turn > 60) throw error; }
      if (!turn) waiting("Almost there", "The index is reading the block with your project.");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async function act(element) {
    const data = element.dataset, project = Number(data.project);
    if (data.call === "create") return create();
    if (data.call === "withdraw") {
      await run("withdraw", await post("/api/calls/withdraw", { token: data.token, to: account }), { to: account, token: data.token }, NATIVE);
    } else if (data.call === "fund") {
      const decimals = Number(data.decimals), amount = calls.units(element.elements.amount.value, decimals);
      if (!amount) throw new Error("That is no amount: write 0.5");
      await run("fund", await post("/api/calls/fund", { project, amount: String(amount) }), { project, amount }, await sameUnit(data.token, decimals));
      element.reset();
    } else {
      const order = {};
      for (const name of ["project", "round", "seat", "ask"]) if (data[name] !== undefined) order[name] = Number(data[name]);
      const coin = data.token ? await unitOf(data.token) : NATIVE;
      await run(data.call.split("/").pop(), await post(`/api/calls/${data.call}`, order), order, coin);
    }
    show("Done", [el("p", {}, "The transaction is mined. This page shows it as soon as the index has read the block.")]);
    dialog.querySelector(".sign-foot button").textContent = "Close";
    htmx.trigger(body, "poll");
  }

  let busy = false;
  async function start(element) {
    if (busy) return;
    busy = true;
    try {
      await connect();
      await rightChain();
      await act(element);
    } catch (error) {
      if (error instanceof Cancelled || error instanceof Shown) return;
      const text = error.code === 4001 ? "You declined in the wallet; nothing was sent." : await reason(error);
      cancelled = () => {};
      show("That did not work", [el("p", {}, text)]);
      dialog.querySelector(".sign-foot button").textContent = "Close";
    } finally { busy = false; }
  }
  document.addEventListener("click", (event) => {
    const element = event.target.closest("button[data-call]");
    if (element) start(element);
  });
  // A token says its own decimals and symbol; nobody should have to look them up. No account is asked for.
  async function nameToken(field) {
    const all = wallets(), form = field.form;
    if (all.length !== 1 || !/^0x[0-9a-fA-F]{40}$/.test(field.value.trim())) return;
    wallet = wallet || all[0];
    if (Number(await ask("eth_chainId")) !== CHAIN) return;
    const coin = await unitOf(field.value.trim());
    if (!coin.decimals) return;
    form.elements.decimals.value = coin.decimals;
    form.elements.symbol.value = coin.symbol;
    form.elements.decimals.dispatchEvent(new Event("input", { bubbles: true }));
  }
  document.getElementById("f-token")?.addEventListener("change", (event) => nameToken(event.target).catch(() => {}));

  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-call]")) { event.preventDefault(); start(event.target); }
  });
  button.hidden = false;
  button.addEventListener("click", async () => {
    wallet = null;
    try { await connect(); await rightChain(); close(); } catch (error) {
      if (!(error instanceof Cancelled)) show("Wallet", [el("p", {}, await reason(error))]);
    }
  });
})();
