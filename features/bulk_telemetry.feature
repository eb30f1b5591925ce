Feature: Telemetry in columns
  What data engineers have lies in columns: Arrow streams for HTTP, Parquet files for the command line. It is
  learnt from and scored as any other telemetry is, and what is wrong with it is said by its place.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles

  Scenario: Columns are learnt from as records are
    When I train version "v2" on 300 readings of healthy vehicles in columns
    Then version "v2" learnt what it would have learnt from the same readings as records

  Scenario: Columns are scored as records are
    When I score 200 readings of all kinds in columns
    Then the verdicts are what the same readings would have got as records, in order

  Scenario Outline: What is explained is as for records
    When I score 200 readings of all kinds in columns, explaining "<which>"
    Then the verdicts are what the same readings would have got as records, in order
    And <explained> are explained

    Examples:
      | which     | explained     |
      | always    | all           |
      | anomalies | the anomalies |
      | never     | none          |

  Scenario: An empty cell is a missing reading
    When I score 20 readings in columns, where "coolant_temperature_celsius" is empty in the third
    Then only the third verdict says that "coolant_temperature_celsius" is missing

  Scenario: A sensor without a column is missing in every reading
    When I score 20 readings without a column for "vehicle_speed_kmh"
    Then every verdict says that "vehicle_speed_kmh" is missing

  Scenario: Columns that are cut off are refused
    When I score columns of which the last quarter is cut off
    Then they are refused

  Scenario Outline: Columns with a fault are refused
    When I score columns where <fault>
    Then they are refused, naming "<place>"

    Examples:
      | fault                            | place             |
      | a number of the third row is NaN | vehicle_speed_kmh |
      | there is an unknown sensor       | oil               |
      | a sensor wrote text              | vehicle_speed_kmh |
      | there are no vehicles            | vehicle_id        |
