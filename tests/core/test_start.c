/* How dev servers come to be: by which command, under which name, by themselves, on which port. */
#include "fleet.h"

#include <string.h>

/* ---- commands ---- */

static void assert_command(const char *command, bool known, enum app_type app, uint16_t port)
{
    enum app_type found = APP_TYPE_COUNT;
    uint16_t number = 1;
    if (server_command_find(command, &found, &number) != known)
        fail_msg("'%s' is%s known", command, known ? " not" : "");
    if (!known)
        return;
    if (found != app || number != port)
        fail_msg("'%s' is app %d on port %u", command, (int)found, (unsigned)number);
}

static void commands_of_dev_servers_are_known(void **state)
{
    (void)state;
    assert_command("pnpm run dev", true, APP_WEB, 0);
    assert_command("pnpm dev", true, APP_WEB, 0);
    assert_command("npm run start", true, APP_WEB, 0);
    assert_command("npm start", true, APP_WEB, 0);
    assert_command("yarn dev -p 3100", true, APP_WEB, 3100);
    assert_command("next dev --port 3001", true, APP_WEB, 3001);
    assert_command("npx next dev --port=3002", true, APP_WEB, 3002);
    assert_command("cd web && PORT=3003 pnpm run dev &", true, APP_WEB, 3003);
    assert_command("expo start", true, APP_MOBILE, 0);
    assert_command("npx expo start --max-workers 2 --port 8081 --tunnel", true, APP_MOBILE, 8081);
    assert_command("react-native start", true, APP_MOBILE, 0);
    assert_command("metro start", true, APP_MOBILE, 0);
}

static void other_commands_are_not(void **state)
{
    (void)state;
    assert_command("", false, 0, 0);
    assert_command("pnpm", false, 0, 0);
    assert_command("pnpm run build", false, 0, 0);
    assert_command("pnpm run dev:api", false, 0, 0);
    assert_command("npx npm start", false, 0, 0);
    assert_command("expo run start", false, 0, 0);
    assert_command("echo pnpm run dev", false, 0, 0);
    assert_command("pnpm install && pnpm run dev", false, 0, 0);
    assert_command("pnpm run dev; rm -rf .", false, 0, 0);
    assert_command("pnpm run dev | tee log", false, 0, 0);
    assert_command("pnpm run dev $(id)", false, 0, 0);
    assert_command("pnpm run dev && true", false, 0, 0);
    assert_command("npm start --port none", true, APP_WEB, 0);
    assert_command("npm start --port 70000", true, APP_WEB, 0);
    char longest[CORE_COMMAND_MAX + 100] = "pnpm run dev ";
    memset(longest + 13, 'x', sizeof longest - 14);
    assert_command(longest, false, 0, 0);
}

struct start_test {
    struct fleet fleet;
    struct rig rig;
    struct answer answer;
};

static void prepare(struct start_test *t)
{
    fleet_init(&t->fleet);
    fleet_rig(&t->rig, &t->fleet);
    answer_init(&t->answer);
    fleet_add_box(&t->fleet, "box");
}

static void end(struct start_test *t)
{
    rig_stop(&t->rig);
    answer_free(&t->answer);
    fleet_free(&t->fleet);
}

static void ensure(struct start_test *t, struct sandbox_ref sandbox, enum app_type app)
{
    assert_int_equal(server_ensure(t->rig.core, sandbox, app, (struct session_ref){ 0, 0 },
                                   answer_server, &t->answer), CORE_OK);
}

static void server_has_a_name_and_its_command(void **state)
{
    struct start_test t;
    char first[CORE_NAME_MAX], second[CORE_NAME_MAX];
    (void)state;
    prepare(&t);
    t.rig.config.commands[APP_WEB] = "serve --port {port} --also {port}";
    t.rig.config.settings.port_web = 4000;
    rig_start(&t.rig);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    ensure(&t, sandbox, APP_WEB);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    ensure(&t, sandbox, APP_MOBILE);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_string_equal(t.fleet.processes[0].command, "serve --port 4000 --also 4000");
    assert_string_equal(t.fleet.processes[0].name, "dev_server_web");
    assert_string_equal(t.fleet.processes[1].command,
                        "npm install --global @expo/ngrok && "
                        "npx expo start --port 8081 --max-workers 2 --tunnel");
    assert_string_equal(t.fleet.processes[1].name, "dev_server_mobile");
    command_session_name(t.rig.core, first);
    command_session_name(t.rig.core, second);
    assert_int_equal(strlen(first), strlen("session_") + 8);
    assert_int_equal(strncmp(first, "session_", 8), 0);
    assert_string_not_equal(first, second);
    end(&t);
}

static void command_that_does_not_fit_makes_no_core(void **state)
{
    (void)state;
    struct rig rig;
    struct core *core;
    char longest[CORE_COMMAND_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    rig_init(&rig);
    rig.config.commands[APP_MOBILE] = longest;
    assert_int_equal(core_create(&rig.config, &core), CORE_INVALID);
    rig.config.commands[APP_MOBILE] = "";
    assert_int_equal(core_create(&rig.config, &core), CORE_INVALID);
}

/* ---- by itself ---- */

static void new_sandbox_gets_its_server(void **state)
{
    struct start_test t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.autostart = AUTOSTART_ON;
    rig_start(&t.rig);
    rig_session(&t.rig, "shop");
    struct tab *tab = tab_connect(&t.rig, "alice", "shop");
    sandbox_ok(&t.rig, "shop");
    while (strcmp(frame_word(frame_payload(tab_expect(tab, "server_state")), "state"),
                  "running") != 0)
        continue;
    assert_int_equal(fleet_spawned(&t.fleet), 1);
    end(&t);
}

/* The pause is longer than the user's patience: what was decided meanwhile counts. */
static void decision_of_a_user_counts_more(void **state)
{
    struct start_test t;
    (void)state;
    for (int released = 0; released < 2; released++) {
        prepare(&t);
        t.rig.config.settings.autostart = AUTOSTART_ON;
        t.rig.config.settings.autostart_delay_us = MS(400);
        rig_start(&t.rig);
        struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
        if (released)
            assert_int_equal(sandbox_release(t.rig.core, sandbox, answer_sandbox, &t.answer),
                             CORE_OK);
        else
            assert_int_equal(server_stop(t.rig.core, sandbox, APP_WEB, 0, answer_server,
                                         &t.answer), CORE_OK);
        assert_int_equal(answer_await(&t.answer), CORE_OK);
        for (int i = 0; i < 500; i++)
            rig_breathe();
        assert_int_equal(fleet_spawned(&t.fleet), 0);
        end(&t);
    }
}

/* ---- on which port ---- */

static void let_it_listen(struct start_test *t, uint64_t processes, uint16_t port)
{
    RIG_AWAIT(fleet_spawned(&t->fleet) == processes);
    pthread_mutex_lock(&t->fleet.lock);
    t->fleet.processes[t->fleet.processes_count - 1].listens = port;
    pthread_mutex_unlock(&t->fleet.lock);
}

/* 3000 is a stranger's, of another app: the server moves on, and is found by its own answer. */
static void server_that_moved_on_is_found(void **state)
{
    struct start_test t;
    struct server_status status;
    (void)state;
    prepare(&t);
    t.rig.config.settings.port_fallback = 2;
    rig_start(&t.rig);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    fleet_add_process(&t.fleet, 0, APP_MOBILE, 3000, true);
    fleet_add_process(&t.fleet, 0, APP_MOBILE, 3001, true);
    t.fleet.listens_at_once = false;
    ensure(&t, sandbox, APP_WEB);
    let_it_listen(&t, 3, 3002);
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(t.answer.status.port, 3002);
    ensure(&t, sandbox, APP_WEB);   /* and asked there the next time */
    assert_int_equal(answer_await(&t.answer), CORE_OK);
    assert_int_equal(fleet_spawned(&t.fleet), 3);
    assert_int_equal(server_status(t.rig.core, sandbox, APP_WEB, &status), CORE_OK);
    assert_int_equal(status.port, 3002);
    end(&t);
}

static void server_beyond_the_fallback_is_not(void **state)
{
    struct start_test t;
    (void)state;
    prepare(&t);
    t.rig.config.settings.port_fallback = 1;
    t.rig.config.settings.start_timeout_web_us = MS(300);
    rig_start(&t.rig);
    struct sandbox_ref sandbox = sandbox_ok(&t.rig, "shop");
    t.fleet.listens_at_once = false;
    ensure(&t, sandbox, APP_WEB);
    let_it_listen(&t, 1, 3002);
    assert_int_equal(answer_await(&t.answer), CORE_EXPIRED);
    assert_int_equal(fleet_alive(&t.fleet, 0), 0);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_dev_servers_are_known),
        cmocka_unit_test(other_commands_are_not),
        cmocka_unit_test(server_has_a_name_and_its_command),
        cmocka_unit_test(command_that_does_not_fit_makes_no_core),
        cmocka_unit_test(new_sandbox_gets_its_server),
        cmocka_unit_test(decision_of_a_user_counts_more),
        cmocka_unit_test(server_that_moved_on_is_found),
        cmocka_unit_test(server_beyond_the_fallback_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
