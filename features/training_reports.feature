Feature: Training reports
  Whoever trains a model sees what it learned, what is wrong with the readings, and what is new in them.

  Scenario: What the model learned of each signal
    When I train version "v1" of model "default" on healthy vehicles
    Then the report tells range, median and quantiles of each signal
    And the report tells that about 5 % of the readings score below the threshold
    And the report warns of nothing

  Scenario: A sensor that tells the same all the time
    When I train version "v1" of model "default" on vehicles whose coolant temperature is always 88
    Then the report warns that "coolant_temperature_celsius" is "constant"
    And the warning says what to do

  Scenario: A sensor that is stuck in one vehicle
    When I train version "v1" of model "default" on vehicles of which "veh-003" always tells a coolant temperature of 88
    Then the report warns that "coolant_temperature_celsius" is "stuck"
    And the warning names "veh-003"

  Scenario: A sensor that is hardly ever there
    When I train version "v1" of model "default" on vehicles that hardly ever send the coolant temperature
    Then the report warns that "coolant_temperature_celsius" is "mostly_missing"

  Scenario: The same readings sent twice
    When I train version "v1" of model "default" on readings some of which stand there twice
    Then the report warns of "duplicates"

  Scenario: Too little to learn from
    When I train version "v1" of model "default" on 100 readings of healthy vehicles
    Then the report warns of "few_readings"

  Scenario Outline: Too little for what I asked
    When I train version "v1" of model "default" on <readings> readings of healthy vehicles for a false-alarm rate of <rate>
    Then the report warns of "<code>"
    And the answer to the training says so, and that it is about "<told>"

    Examples:
      | readings | rate   | code           | told                       |
      | 60       | 0.02   | no_guards      | rate of 0.02 is not held   |
      | 300      | 0.02   | ranges_only    | contradict other sensors   |
      | 600      | 0.0005 | uncertain_rate | less than one of the 600   |

  Scenario: The score that decides
    When I train version "v1" of model "default" on healthy vehicles
    Then the report tells below which score the forest is a reason, and how many readings lie there

  Scenario: Nothing changed
    Given version "v1" of model "default" was trained on healthy vehicles
    When I train version "v2" of model "default" on healthy vehicles
    Then the report compares it with version "v1"
    And no signal changed

  Scenario: Winter came
    Given version "v1" of model "default" was trained on healthy vehicles
    When I train version "v2" of model "default" on vehicles that run 10 degrees cooler
    Then the report compares it with version "v1"
    And "coolant_temperature_celsius" changed and no other signal did

  Scenario: It is compared with what answered before, not with what is newest
    Given version "v1" of model "default" was trained on healthy vehicles
    And version "v2" of model "default" was trained on healthy vehicles
    And version "v1" was made the latest of model "default"
    When I train version "v3" of model "default" on healthy vehicles
    Then the report compares it with version "v1"

  Scenario: The first version is compared with nothing
    When I train version "v1" of model "default" on healthy vehicles
    Then the report compares it with nothing

  Scenario: A version from before there were reports
    Given version "v1" of model "default" was trained before there were reports
    When I ask for version "v1" of model "default"
    Then it has no report
    When I train version "v2" of model "default" on healthy vehicles
    Then the report compares it with nothing
