// A C++ exception that leaves a callback ends the process at the library's edge: `exception loop|once`.
#include <autoscale.h>

#include <cstring>
#include <stdexcept>

#include <unistd.h>

static int32_t throws(void *, int64_t, int64_t, autoscale_samples *)
{
    throw std::runtime_error("out of a callback");
}

static int32_t reads(void *, uint32_t *quantity, int64_t *, autoscale_failure *)
{
    *quantity = 2;
    return 0;
}

static int32_t scales(void *, uint32_t, autoscale_failure *)
{
    return 0;
}

int main(int argc, char **argv)
{
    const char *text = "[HEROKU_INFOS]\napp_name: shop\n";
    autoscale_config *config = nullptr;
    autoscale *handle = nullptr;
    if (argc != 2 || autoscale_config_from_ini(text, std::strlen(text), &config) || autoscale_new(config, &handle) ||
        autoscale_set_metric_source(handle, throws, nullptr) ||
        autoscale_set_scale_target(handle, reads, scales, nullptr))
        return 1;
    try {
        if (std::strcmp(argv[1], "loop") == 0) {
            if (autoscale_start(handle, nullptr, nullptr))
                return 1;
            sleep(600);
        } else {
            autoscale_decision decision = {};
            decision.struct_size = sizeof decision;
            if (autoscale_check_once(handle, &decision))
                return 3;
        }
    } catch (...) {
        return 4; // It went through the library.
    }
    return 2; // Nothing happened at all.
}
