/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Status codes as text, and the one way to report an error's position.
 */
#include "model.h"

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *bnn_version(void)
{
    return VERSION(BNN_VERSION_MAJOR, BNN_VERSION_MINOR, BNN_VERSION_PATCH);
}

const char *bnn_strerror(bnn_status status)
{
    static const char *const texts[] = {
        "no error",
        "an argument is out of range",
        "the model bytes or the arena are not aligned to 64 bytes",
        "the .dab file is truncated: fewer bytes than its header and tables announce",
        "not a .dab file",
        "the .dab file has a version that this library does not read",
        "the .dab file breaks a rule of its format",
        "the .dab file is damaged: its checksum does not match its content",
        "the model needs something that this build or machine does not have",
        "the arena is smaller than bnn_plan_size asks for",
        "there is no such instruction-set variant, or this cpu lacks it",
        "the data has another size than the model's input or output",
    };
    size_t index = (size_t)(-(int64_t)status);
    return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown status";
}

bnn_status bnn_fill_error(bnn_error *error, bnn_status status, bnn_place place, uint32_t index, const char *what)
{
    *error = (bnn_error){.status = status, .place = place, .index = index, .what = what};
    return status;
}
